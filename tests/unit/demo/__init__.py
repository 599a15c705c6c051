"""The demo's record, story and report, from what was seen to what is shown."""
