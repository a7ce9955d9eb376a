"""What can be configured, read once from `POSTHORN_*` environment variables.

Everything has a default that works on one machine; production needs at least the two server URLs,
`POSTHORN_SECRET_KEY` and `POSTHORN_PUBLIC_URL`.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class SettingsError(Exception):
    """The environment cannot be used as it is; the text names each variable and the remedy."""


class Settings(BaseSettings):
    """One process's configuration; a value object."""

    model_config = SettingsConfigDict(env_prefix="POSTHORN_", frozen=True, extra="ignore")

    environment: Literal["development", "production"] = "development"
    home: Path = Field(default=Path(".posthorn"), description="where embedded servers keep data")
    database_url: str = Field(
        default="", description="PostgreSQL 15+; empty starts an embedded one"
    )
    redis_url: str = Field(default="", description="Redis 6.2+; empty starts an embedded one")
    secret_key: SecretStr = Field(
        default=SecretStr(""),
        description="at least 32 characters; seals provider credentials and keys every hash",
    )
    public_url: str = Field(
        default="http://127.0.0.1:8000",
        description="the address providers reach webhooks at; signatures are checked against it",
    )
    api_host: str = "127.0.0.1"
    api_port: int = 8000
    requests_per_minute: int = Field(
        default=60_000,
        ge=0,
        description="what one API key may ask of the API, unless it has a limit of its own; 0 is none",
    )
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    niceness: int = Field(
        default=0, ge=0, le=19, description="how far a worker steps back for others on its machine"
    )
    window: int = Field(default=500, ge=1, description="requests one worker process has in flight")
    claim_batch: int = Field(default=60, ge=1, description="messages one claim takes")
    pump_seconds: float = Field(default=10, gt=0, description="how long one dispatch task pumps")
    provider_ca_file: str = Field(
        default="", description="certificate authorities for providers, instead of certifi's"
    )
    provider_timeout_seconds: float = Field(default=20, gt=0)
    campaign_ahead: int = Field(
        default=50_000, ge=1, description="messages of one campaign that are queued and not over"
    )
    lease_seconds: float = Field(default=60, gt=0, description="longer than the provider timeout")
    sweep_seconds: float = Field(default=5, gt=0)
    max_attempts: int = Field(default=5, ge=1)
    retry_base_seconds: float = Field(default=2, gt=0)
    retry_cap_seconds: float = Field(default=300, gt=0)
    doubt_check_seconds: float = Field(
        default=30, gt=0, description="first look-up of an attempt in doubt; later ones back off"
    )
    receipt_wait_seconds: float = Field(
        default=120, ge=1, description="how long a receipt may take before its provider is asked"
    )
    idempotency_hours: float = Field(default=24, gt=0)
    callback_networks: str = Field(
        default="",
        description="networks that are not public and may be posted to all the same, over http too",
    )
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 9464

    @classmethod
    def read(cls, **overrides: object) -> Settings:
        """Settings from the environment.

        Raises:
            SettingsError: naming every bad variable and, in production, every missing one.
        """
        try:
            settings = cls(**overrides)  # type: ignore[arg-type]  # pydantic validates the types
        except ValidationError as error:
            problems = [
                f"POSTHORN_{'_'.join(map(str, p['loc'])).upper()}: {p['msg']}"
                for p in error.errors(include_input=False, include_url=False)
            ]
            raise SettingsError("; ".join(problems)) from None
        settings._check()
        return settings

    def _check(self) -> None:
        problems = []
        if self.provider_timeout_seconds >= self.lease_seconds:
            problems.append(
                "POSTHORN_LEASE_SECONDS must be greater than POSTHORN_PROVIDER_TIMEOUT_SECONDS, "
                "or a slow reply would outlive its lease"
            )
        secret = self.secret_key.get_secret_value()
        if secret and len(secret) < 32:
            problems.append("POSTHORN_SECRET_KEY must have at least 32 characters")
        try:
            _ = self.callback_allowed
        except ValueError:
            problems.append(
                "POSTHORN_CALLBACK_NETWORKS must be networks such as 10.1.0.0/16, with commas between"
            )
        if self.environment == "production":
            problems += [
                f"POSTHORN_{name.upper()} must be set in production"
                for name in ("database_url", "redis_url", "public_url", "secret_key")
                if name not in self.model_fields_set
            ]
        if problems:
            raise SettingsError("; ".join(problems))

    @property
    def lease(self) -> timedelta:
        """How long a claim or an attempt is safe from the sweep."""
        return timedelta(seconds=self.lease_seconds)

    @property
    def callback_allowed(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks where tenants' endpoints may be although they are not public."""
        words = (word.strip() for word in self.callback_networks.split(","))
        return tuple(ip_network(word) for word in words if word)

    def _derive(self, purpose: bytes) -> bytes:
        secret = self.secret_key.get_secret_value()
        if not secret:
            raise SettingsError("POSTHORN_SECRET_KEY must be set (32 characters or more)")
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret.encode())

    @cached_property
    def pepper(self) -> bytes:
        """Keys the hashes of addresses, so that a stolen table cannot be searched for a number."""
        return self._derive(b"posthorn address pepper")

    @cached_property
    def key_pepper(self) -> bytes:
        """Keys the hashes of API secrets."""
        return self._derive(b"posthorn api key pepper")

    @cached_property
    def callback_key(self) -> bytes:
        """Signs the receipt address of each attempt."""
        return self._derive(b"posthorn callback")

    @cached_property
    def sealing_key(self) -> bytes:
        """Encrypts provider credentials at rest."""
        return self._derive(b"posthorn credentials")
