"""Services that make texts, pictures, clips and speech."""
