"""``python -m tiktoker_batch`` is the console script."""

from tiktoker_batch.cli import main

if __name__ == "__main__":
    main()
