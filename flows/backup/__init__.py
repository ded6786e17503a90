"""Backups of ledger, lake and home folder, and the way back. `back_up` and `restore` are the two verbs."""

from flows.backup.back_up import BackupReport, back_up
from flows.backup.place import BackupPlace
from flows.backup.restore import RestoreReport, restore

__all__ = ["BackupPlace", "BackupReport", "RestoreReport", "back_up", "restore"]
