# Runs README's first command: `docker build -t gensynth . && docker run -v "$PWD/runs:/campaigns/runs" gensynth`.
# Anything after the image's name is a command of gensynth: `docker run gensynth --help`.
FROM python:3.11-slim

WORKDIR /gensynth
# The packages first: they change seldom, and this layer is kept.
COPY tested-versions.txt pyproject.toml README.md LICENSE ./
COPY gensynth gensynth
COPY search_spaces search_spaces
COPY constraints constraints
COPY devices devices
RUN pip install --no-cache-dir -c tested-versions.txt .

WORKDIR /campaigns
ENTRYPOINT ["gensynth"]
CMD ["search"]
