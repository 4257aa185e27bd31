"""The functions behind the command line; `gensynth` itself offers every public one."""
