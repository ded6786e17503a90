"""What zip archives and e-mails hold, each thing a file of its own.

Archives are hostile until unpacked, and Python's own ``zipfile`` and ``email`` read tables and messages as a
whole: a directory of millions of entries or a message of nested parts costs memory and time before anything can
be checked. So a child process does it (`flows.archives.child`), with hard limits on memory, processor time and
file size, and is killed when it is late. It imports the standard library only and starts in a tenth of a second.
`flows.archives.unpack` is the side of the parent.
"""
