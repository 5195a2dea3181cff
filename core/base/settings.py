"""Every setting of FadeBench, read once from the environment (prefix FADEBENCH_)."""

import os
from functools import lru_cache
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.base.errors import InvalidInput

ROOT = Path(__file__).resolve().parents[2]


class Settings(BaseSettings):
    """Settings of an installation; the README lists all of them."""

    model_config = SettingsConfigDict(env_prefix="FADEBENCH_", frozen=True)

    data_dir: Path = Field(
        Path("data"), description="Folder of uploaded files, models, exports and the SQLite file."
    )
    database_url: str = Field(
        "", description="SQLAlchemy URL; empty means SQLite in the data folder."
    )
    allow_signup: bool = Field(True, description="Whether anybody may create an account.")
    max_processes: int = Field(2, ge=1, description="Background processes at the same time.")
    max_upload_mb: int = Field(200, ge=1, description="Largest file that may be uploaded, in MB.")
    max_decompressed_mb: int = Field(
        2000, ge=1, description="Largest content of an archive or workbook, in MB."
    )
    read_memory_mb: int = Field(
        2000, ge=100, description="Memory that reading one file may take, in MB."
    )
    read_seconds: int = Field(
        60, ge=1, description="Seconds that looking at one file for a page may take."
    )
    session_days: int = Field(7, ge=1, description="Days until a sign-in must be repeated.")
    demo_fleet: bool = Field(
        True, description="Whether the first start creates the demonstration fleet."
    )

    @property
    def files_root(self) -> Path:
        """The data folder as an absolute path (relative ones count from the project root)."""
        return self.data_dir if self.data_dir.is_absolute() else ROOT / self.data_dir

    @property
    def resolved_database_url(self) -> str:
        """The configured database, or SQLite in the data folder."""
        return self.database_url or f"sqlite:///{(self.files_root / 'fadebench.db').as_posix()}"

    @property
    def threads_per_process(self) -> int:
        """Threads of a background process: the cores, divided by the number of processes."""
        return max(1, (os.cpu_count() or 1) // self.max_processes)


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process; tests call `get_settings.cache_clear()` after a change.

    Raises
    ------
    InvalidInput
        A variable holds what its setting cannot be; the message names it.
    """
    try:
        return Settings()
    except ValidationError as error:
        problem = error.errors()[0]
        name = "_".join(map(str, problem["loc"])).upper()
        raise InvalidInput(f"FADEBENCH_{name}: {problem['msg']}. Change the variable.") from error
