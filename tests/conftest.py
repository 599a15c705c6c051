"""What all tests share: how hypothesis searches."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("leeward", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
# CI tells a change's fault from an old one's by searching the same examples every time; people search new ones.
settings.register_profile("ci", settings.get_profile("leeward"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "leeward")
