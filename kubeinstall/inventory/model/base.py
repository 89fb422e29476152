"""Building blocks of the inventory model: strict models and types of values."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)

from kubeinstall.inventory.formats import (
    DNS_LABEL,
    DNS_NAME,
    DURATION,
    NOT_EMPTY,
    URL,
    VERSION,
    exact_version,
    only_text,
    real_port,
    zero_as_text,
)

DnsLabel = Annotated[str, StringConstraints(pattern=DNS_LABEL, max_length=63)]
DnsName = Annotated[str, StringConstraints(pattern=DNS_NAME, max_length=253)]
HostName = Annotated[str, StringConstraints(pattern=DNS_NAME, max_length=63)]
"""The kernel accepts host names of up to 64 characters, but Kubernetes labels have at most 63."""
Ipv4 = Annotated[IPv4Address, BeforeValidator(only_text)]
Ipv4Network = Annotated[IPv4Network, BeforeValidator(only_text)]
Ipv4Text = Annotated[str, AfterValidator(lambda text: str(IPv4Address(text)))]
"""An address as text: safe in a script or a file, wherever it comes from."""
Port = Annotated[int, Field(ge=1, le=65535)]
ExactVersion = Annotated[str, StringConstraints(pattern=VERSION), BeforeValidator(exact_version)]
Duration = Annotated[
    str,
    StringConstraints(pattern=DURATION),
    BeforeValidator(zero_as_text),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": DURATION}, {"const": 0}]}),
]
Url = Annotated[str, StringConstraints(pattern=URL), AfterValidator(real_port)]
Text = Annotated[str, StringConstraints(pattern=NOT_EMPTY)]
Args = dict[str, str | int | float | bool]
"""Extra arguments, for every kubeadm API version: flag name without dashes, and value."""
Document = dict[str, Any]


class Strict(BaseModel):
    """A part of the inventory: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)
