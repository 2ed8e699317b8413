"""The output folder: files, journal, manifest and lock. Synchronous; nothing here waits for anybody but the disk."""
