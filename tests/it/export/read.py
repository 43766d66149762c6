"""Reads a timeline from standard input with the library of its format's makers, and prints what it is."""
import json
import sys

import opentimelineio as otio

kind = sys.argv[1]
text = sys.stdin.read()
if kind == "edl":
    timeline = otio.adapters.read_from_string(text, "cmx_3600", rate=float(sys.argv[2]))
else:
    timeline = otio.adapters.read_from_string(text, "otio_json")


def seconds(time):
    return round(time.to_seconds(), 4)


def item(child):
    place = child.range_in_parent()
    told = {
        "is": type(child).__name__,
        "name": child.name,
        "from": seconds(place.start_time),
        "to": seconds(place.end_time_exclusive()),
        "enabled": child.enabled,
    }
    if isinstance(child, otio.schema.Clip):
        told["rate"] = round(child.source_range.duration.rate, 3)
        told["frames"] = child.source_range.duration.value
        reference = child.media_reference
        told["media"] = getattr(reference, "target_url", None)
        if reference.available_range:
            told["available"] = reference.available_range.duration.value
        told["markers"] = [[marker.name or marker.comment, marker.color] for marker in child.markers]
        told["comments"] = child.metadata.get("cmx_3600", {}).get("comments")
    return told


print(json.dumps({
    "name": timeline.name,
    "start": timeline.global_start_time and timeline.global_start_time.to_timecode(),
    "length": seconds(timeline.duration()),
    "tracks": [
        {"name": track.name, "kind": track.kind, "items": [item(child) for child in track]}
        for track in timeline.tracks
    ],
}, default=str))
