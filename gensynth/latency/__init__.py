"""Latency: the contract of devices, and the device `here`, which times networks alternately."""
