"""The provider that works offline, on this machine."""
