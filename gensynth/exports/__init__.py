"""Exports of networks: standalone folders that need only torch, with their cards."""
