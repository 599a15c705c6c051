"""Webhook: telling people of holds, freezes and acts by a signed HTTP POST.

May live here: the notifier, its message and signature. May not: what is worth telling, or any act.
"""

from controlplane.drivers.webhook.notifier import WebhookNotifier, mistakes, sign, verify

__all__ = ["WebhookNotifier", "mistakes", "sign", "verify"]
