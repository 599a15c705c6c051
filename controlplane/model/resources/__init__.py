"""What people write: one module a kind, each with a published JSON Schema.

May live here: frozen pydantic models that mirror the YAML field by field (camelCase outside, snake_case inside), and
checks that need one document only. May not: checks across documents (``load`` has them) or anything computed.
"""

from controlplane.model.resources.datastore import Datastore, DatastoreSpec
from controlplane.model.resources.degradation_policy import DegradationPolicy, Knob, Level
from controlplane.model.resources.failover_policy import (
    Autonomy,
    Failback,
    FailbackMode,
    FailoverPolicy,
    FailoverSpec,
    Ramp,
)
from controlplane.model.resources.kind import (
    Binding,
    Duration,
    Metadata,
    Part,
    Resource,
    format_duration,
    parse_duration,
)
from controlplane.model.resources.region import Region, RegionRole, RegionSpec, Scale
from controlplane.model.resources.safety_policy import Freeze, MaxShift, MaxTransitions, SafetyPolicy, SafetySpec
from controlplane.model.resources.service import Dependency, Placement, ProbeSpec, Service, ServiceSpec, Strength

__all__ = [
    "Autonomy",
    "Binding",
    "Datastore",
    "DatastoreSpec",
    "DegradationPolicy",
    "Dependency",
    "Duration",
    "Failback",
    "FailbackMode",
    "FailoverPolicy",
    "FailoverSpec",
    "Freeze",
    "Knob",
    "Level",
    "MaxShift",
    "MaxTransitions",
    "Metadata",
    "Part",
    "Placement",
    "ProbeSpec",
    "Ramp",
    "Region",
    "RegionRole",
    "RegionSpec",
    "Resource",
    "SafetyPolicy",
    "SafetySpec",
    "Scale",
    "Service",
    "ServiceSpec",
    "Strength",
    "format_duration",
    "parse_duration",
]
