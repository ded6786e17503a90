"""What a process gives up before it meets the bytes of others. Standard library only: children import it first."""
