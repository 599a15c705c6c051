"""A face over HTTP: routes, events and the console, nothing else.

May live here: routes, their (de)serialisation, static assets.
May not: decisions, or a call on anything but the service.
"""
