"""What is measured, by name and in the order of the table."""

import bundles
import copies
import local
import look
import migrations
import store
import transfer

ALL = {
    "start": local.start,
    "save": local.save,
    "transfer-small": lambda world: transfer.transfer(world, world.small, "small"),
    "transfer-large": lambda world: transfer.transfer(world, world.large, "large"),
    "embedded": transfer.embedded,
    "requests": transfer.requests,
    "distance": transfer.distance,
    "many": transfer.many,
    "copy": copies.copy,
    "copy-distance": copies.distance,
    "memory": local.memory,
    "copy-memory": copies.memory,
    "migrate": migrations.migrate,
    "index": migrations.index,
    "bundles": bundles.bundles,
    "references": store.references,
    "prune": store.prune,
    "versions": look.versions,
    "looks": look.looks,
    "sizes": local.sizes,
}
