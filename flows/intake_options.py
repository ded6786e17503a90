"""What a user may set about taking documents in; part of the settings as ``intake``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork

from flows.archives.limits import Limits


class IntakeOptions(BaseModel):
    """Settling, archives and e-mails, HTTP."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    settle_seconds: float = Field(
        2.0, ge=0, description="a file changed more recently may still be being written; 0: take it at once"
    )
    settle_wait_seconds: float = Field(
        10.0, ge=0, description="a run waits so long for such files, all in all; the next run takes the rest"
    )
    max_archive_bytes: int = Field(2_000_000_000, ge=1, description="largest zip or e-mail that is opened")
    max_unpacked_bytes: int = Field(4_000_000_000, ge=1, description="what one may unpack to, all in all")
    max_members: int = Field(10_000, ge=1, description="files in one, all levels together")
    max_depth: int = Field(3, ge=1, description="archives in archives; 1: the others are not opened")
    max_ratio: float = Field(200.0, gt=1, description="unpacked to packed size of a member beyond 10 MB")
    min_inline_bytes: int = Field(
        32_000, ge=0, description="smaller pictures in the text of an e-mail are its decoration"
    )
    unpack_seconds: float = Field(600.0, gt=0, description="time to unpack one archive or e-mail")
    unpack_memory_mb: int = Field(1024, ge=128, description="memory to unpack one archive or e-mail")
    allow_networks: tuple[IPvAnyNetwork, ...] = Field(
        (), description="networks that HTTP may reach though they are not public, such as 10.0.0.0/8"
    )
    http_seconds: float = Field(
        300.0, gt=0, description="time to fetch one document by HTTP, retries included"
    )

    def limits(self, max_member_bytes: int) -> Limits:
        """What one archive may cost, where one document may have so many bytes."""
        return Limits(
            max_depth=self.max_depth,
            max_members=self.max_members,
            max_ratio=self.max_ratio,
            max_member_bytes=max_member_bytes,
            max_total_bytes=self.max_unpacked_bytes,
            min_inline_bytes=self.min_inline_bytes,
            seconds=self.unpack_seconds,
            memory_mb=self.unpack_memory_mb,
        )
