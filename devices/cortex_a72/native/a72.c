/* A QEMU plugin that watches one aarch64 program: instructions by class, cycles in which a
 * Cortex-A72 could issue them at best, and memory traffic through its caches, simulated.
 *
 * It counts between two marks that the program sets by a system call that does nothing else:
 * getpriority(MARK, 1) begins a section, getpriority(MARK, 0) ends it and writes one line of
 * numbers, in the order of `columns` below, to the file named by the argument `to=PATH`.
 * The caches keep their contents between sections: a warm-up is a section that nobody reads.
 *
 * Issue of a block of n instructions (Arm Cortex-A72 Software Optimization Guide, sections 2, 3):
 * three micro-operations a cycle are dispatched, two integer ones, one load, one store and one
 * branch executed; 128-bit floating-point work has one multiply-accumulate a cycle, other vector
 * work two. The slowest of these is the block's time. Latencies inside a block are not followed.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* QEMU's plugin interface, version 1 (QEMU 4.2 to 8.2), as far as it is used here. */
#define EXPORT __attribute__((visibility("default")))
typedef uint64_t plugin_id;
typedef struct tb tb;
typedef struct insn insn;
enum { NO_REGS = 0 };
enum { READS_AND_WRITES = 3 };
size_t qemu_plugin_tb_n_insns(const tb *);
insn *qemu_plugin_tb_get_insn(const tb *, size_t);
const void *qemu_plugin_insn_data(const insn *);
unsigned qemu_plugin_mem_size_shift(uint32_t);
bool qemu_plugin_mem_is_store(uint32_t);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(tb *, void (*)(unsigned, void *), int, void *);
void qemu_plugin_register_vcpu_mem_cb(insn *, void (*)(unsigned, uint32_t, uint64_t, void *), int,
                                      int, void *);
void qemu_plugin_register_vcpu_syscall_cb(plugin_id,
                                          void (*)(plugin_id, unsigned, int64_t, uint64_t, uint64_t,
                                                   uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                                                   uint64_t));
EXPORT int qemu_plugin_version = 1;

enum { GETPRIORITY = 141, MARK = 0x6a72 };
enum { FMA, VECTOR, SLOW, LOAD, STORE, INTEGER, BRANCH, CLASSES };
enum { PARTS = 6 }; /* Cycles are counted in sixths: of every rate used below it is a multiple. */
static const char columns[] =
    "instructions fma vector slow load store integer branch load_units store_units issue_cycles "
    "l1_misses l2_misses l2_streamed tlb_misses read_bytes written_bytes";

typedef struct {
    uint32_t instructions, of_class[CLASSES], load_units, store_units, issue;
} block;

static bool counting;
static FILE *report;
static uint64_t instructions, of_class[CLASSES], load_units, store_units, issue;
static uint64_t l1_misses, l2_misses, l2_streamed, tlb_misses, read_bytes, written_bytes;

/* What holds memory: tags of each set in the order of their last use, most recent first. */
enum { LINE_BITS = 6, L1_SETS = 256, L1_WAYS = 2, L2_SETS = 1024, L2_WAYS = 16 };
enum { PAGE_BITS = 12, TLB_SETS = 1, TLB_WAYS = 32, STREAMS = 16 };
static uint64_t l1[L1_SETS * L1_WAYS], l2[L2_SETS * L2_WAYS], tlb[TLB_SETS * TLB_WAYS];
static uint64_t streams[STREAMS];
static unsigned next_stream;

static bool hits(uint64_t *tags, unsigned sets, unsigned ways, uint64_t tag)
{
    uint64_t *set = tags + (tag % sets) * ways;
    unsigned way = 0;
    while (way < ways - 1 && set[way] != tag)
        way++;
    bool found = set[way] == tag;
    memmove(set + 1, set, way * sizeof *set);
    set[0] = tag;
    return found;
}

/* A miss in the line after an earlier one is of a stream, which the processor fetches ahead. */
static bool streamed(uint64_t line)
{
    for (unsigned i = 0; i < STREAMS; i++) {
        if (streams[i] + 1 == line || streams[i] - 1 == line) {
            streams[i] = line;
            return true;
        }
    }
    streams[next_stream++ % STREAMS] = line;
    return false;
}

static void on_memory(unsigned cpu, uint32_t info, uint64_t address, void *unused)
{
    if (!counting)
        return;
    unsigned size = 1u << qemu_plugin_mem_size_shift(info);
    if (qemu_plugin_mem_is_store(info))
        written_bytes += size;
    else
        read_bytes += size;
    uint64_t first = address >> LINE_BITS, last = (address + size - 1) >> LINE_BITS;
    for (uint64_t line = first; line <= last; line++) {
        if (hits(l1, L1_SETS, L1_WAYS, line + 1))
            continue;
        l1_misses++;
        if (!hits(tlb, TLB_SETS, TLB_WAYS, (line >> (PAGE_BITS - LINE_BITS)) + 1))
            tlb_misses++;
        if (!hits(l2, L2_SETS, L2_WAYS, line + 1)) {
            l2_misses++;
            l2_streamed += streamed(line);
        }
    }
}

static void on_block(unsigned cpu, void *data)
{
    if (!counting)
        return;
    const block *b = data;
    instructions += b->instructions;
    for (int i = 0; i < CLASSES; i++)
        of_class[i] += b->of_class[i];
    load_units += b->load_units;
    store_units += b->store_units;
    issue += b->issue;
}

/* Registers that LD1..LD4 and ST1..ST4 of whole registers move, by their opcode field. */
static const uint8_t structure_registers[16] = {4, 1, 4, 1, 3, 1, 3, 1, 2, 1, 2, 1, 1, 1, 1, 1};

/* Units of 128 bits that a load or store moves (section 4.6: each takes a cycle of its pipe). */
static unsigned units_of(uint32_t i)
{
    if ((i & 0xbf000000) == 0x0c000000)
        return structure_registers[i >> 12 & 15];
    bool pair = (i & 0x3a000000) == 0x28000000;
    return pair && i >> 26 & 1 && i >> 30 == 2 ? 2 : 1;
}

static bool is_load(uint32_t i)
{
    bool pair = (i & 0x3a000000) == 0x28000000, structure = (i & 0xbe000000) == 0x0c000000;
    bool exclusive = (i & 0x3f000000) == 0x08000000, literal = (i & 0x3b000000) == 0x18000000;
    if (literal)
        return true;
    if (pair || structure || exclusive)
        return i >> 22 & 1;
    bool vector = i >> 26 & 1;
    return vector ? i >> 22 & 1 : (i >> 22 & 3) != 0;
}

static bool is_multiply_accumulate(uint32_t i)
{
    return (i & 0xbf20fc00) == 0x0e20cc00 || (i & 0xbf80b400) == 0x0f801000 ||
           (i & 0xbfa0fc00) == 0x2e20dc00 || (i & 0xbf80f400) == 0x0f809000 ||
           (i & 0xff000000) == 0x1f000000;
}

static bool is_slow(uint32_t i) /* Divisions and square roots, vector and scalar. */
{
    return (i & 0xbfa0fc00) == 0x2e20fc00 || (i & 0xbfbffc00) == 0x2ea1f800 ||
           (i & 0xff20fc00) == 0x1e201800 || (i & 0xff3ffc00) == 0x1e21c000;
}

static int class_of(uint32_t i)
{
    if ((i & 0x0a000000) == 0x08000000)
        return is_load(i) ? LOAD : STORE;
    if ((i & 0x0e000000) == 0x0e000000)
        return is_slow(i) ? SLOW : is_multiply_accumulate(i) ? FMA : VECTOR;
    return (i & 0x1c000000) == 0x14000000 ? BRANCH : INTEGER;
}

static uint32_t most(const uint32_t *values, int count)
{
    uint32_t most = 0;
    for (int i = 0; i < count; i++)
        most = values[i] > most ? values[i] : most;
    return most;
}

static uint32_t issue_of(const block *b)
{
    const uint32_t *n = b->of_class;
    uint32_t memory = b->load_units + b->store_units;
    uint32_t all = b->instructions - n[LOAD] - n[STORE] + memory;
    uint32_t bounds[] = {all * PARTS / 3, n[INTEGER] * PARTS / 2, b->load_units * PARTS,
                         b->store_units * PARTS, n[BRANCH] * PARTS,
                         n[FMA] * PARTS + n[VECTOR] * PARTS / 2 + n[SLOW] * PARTS * 12};
    return most(bounds, sizeof bounds / sizeof *bounds);
}

static void on_translation(plugin_id id, tb *t)
{
    block *b = calloc(1, sizeof *b);
    b->instructions = qemu_plugin_tb_n_insns(t);
    for (size_t n = 0; n < b->instructions; n++) {
        insn *in = qemu_plugin_tb_get_insn(t, n);
        uint32_t code;
        memcpy(&code, qemu_plugin_insn_data(in), sizeof code);
        int of = class_of(code);
        b->of_class[of]++;
        if (of == LOAD || of == STORE) {
            *(of == LOAD ? &b->load_units : &b->store_units) += units_of(code);
            qemu_plugin_register_vcpu_mem_cb(in, on_memory, NO_REGS, READS_AND_WRITES, NULL);
        }
    }
    b->issue = issue_of(b);
    qemu_plugin_register_vcpu_tb_exec_cb(t, on_block, NO_REGS, b);
}

static void begin(void)
{
    instructions = load_units = store_units = issue = 0;
    l1_misses = l2_misses = l2_streamed = tlb_misses = read_bytes = written_bytes = 0;
    memset(of_class, 0, sizeof of_class);
    counting = true;
}

static void end(void)
{
    counting = false;
    fprintf(report, "%" PRIu64, instructions);
    for (int i = 0; i < CLASSES; i++)
        fprintf(report, " %" PRIu64, of_class[i]);
    uint64_t rest[] = {load_units, store_units, issue / PARTS, l1_misses, l2_misses,
                       l2_streamed, tlb_misses, read_bytes, written_bytes};
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
        fprintf(report, " %" PRIu64, rest[i]);
    fputc('\n', report);
    fflush(report);
}

static void on_system_call(plugin_id id, unsigned cpu, int64_t number, uint64_t which,
                           uint64_t what, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6,
                           uint64_t a7, uint64_t a8)
{
    if (number == GETPRIORITY && which == MARK)
        what ? begin() : end();
}

EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    if (argc != 1 || strncmp(argv[0], "to=", 3) || !(report = fopen(argv[0] + 3, "w"))) {
        fprintf(stderr, "a72: expected one argument to=PATH of a file that can be written\n");
        return 1;
    }
    fprintf(report, "%s\n", columns);
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_vcpu_syscall_cb(id, on_system_call);
    return 0;
}
