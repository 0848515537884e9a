"""The truth on disk: sessions, people, leases, addresses and references, full-text search and files.

The tables and the migrations are packages of their own.
"""

from typing import TYPE_CHECKING

from studio.engine.faces import on_demand

if TYPE_CHECKING:
    from studio.engine.store.addresses import Addresses
    from studio.engine.store.artifacts import Artifacts, sha256_of, told_when_full
    from studio.engine.store.cache import Cache
    from studio.engine.store.database import Database
    from studio.engine.store.flags import flags_of
    from studio.engine.store.growing_file import GrowingFile, remove_growing, remove_left_growing
    from studio.engine.store.lease import FREED, LEASE_SECONDS, Claim, LeaseColumns, LeaseValues, holder_name, is_held
    from studio.engine.store.leftovers import temporary_folder
    from studio.engine.store.numbering import take_ids
    from studio.engine.store.open_app import PLAIN_HOST, address_of, host_of, open_address, opened_on
    from studio.engine.store.people import USED, People, rater
    from studio.engine.store.projects import USUAL, Projects, project_like
    from studio.engine.store.put_away import binned_name, in_use, name_before, not_binned
    from studio.engine.store.references import References
    from studio.engine.store.search import forget_trace, index_trace, matches_in, trace_ids_matching
    from studio.engine.store.sessions import Sessions
    from studio.engine.store.storage import Space, space
    from studio.engine.store.trace_writer import (
        NewTrace,
        prepared,
        preview,
        searched_text,
        storable,
        write_prepared,
        write_traces,
    )
    from studio.engine.store.uploads import Upload, keep_upload, remove_upload
    from studio.engine.store.whole_files import place_of, put_in_place, stamp_of, whole_file, write_whole
    from studio.engine.store.workspace_secret import RATERS, is_signed, secret_of, signature

__all__ = [
    "FREED",
    "LEASE_SECONDS",
    "PLAIN_HOST",
    "RATERS",
    "USED",
    "USUAL",
    "Addresses",
    "Artifacts",
    "Cache",
    "Claim",
    "Database",
    "GrowingFile",
    "LeaseColumns",
    "LeaseValues",
    "NewTrace",
    "People",
    "Projects",
    "References",
    "Sessions",
    "Space",
    "Upload",
    "address_of",
    "binned_name",
    "flags_of",
    "forget_trace",
    "holder_name",
    "host_of",
    "in_use",
    "index_trace",
    "is_held",
    "is_signed",
    "keep_upload",
    "matches_in",
    "name_before",
    "not_binned",
    "open_address",
    "opened_on",
    "place_of",
    "prepared",
    "preview",
    "project_like",
    "put_in_place",
    "rater",
    "remove_growing",
    "remove_left_growing",
    "remove_upload",
    "searched_text",
    "secret_of",
    "sha256_of",
    "signature",
    "space",
    "stamp_of",
    "storable",
    "take_ids",
    "temporary_folder",
    "told_when_full",
    "trace_ids_matching",
    "whole_file",
    "write_prepared",
    "write_traces",
    "write_whole",
]

__getattr__ = on_demand(
    __name__,
    {
        "addresses": ("Addresses",),
        "artifacts": (
            "Artifacts",
            "sha256_of",
            "told_when_full",
        ),
        "cache": ("Cache",),
        "database": ("Database",),
        "flags": ("flags_of",),
        "growing_file": (
            "GrowingFile",
            "remove_growing",
            "remove_left_growing",
        ),
        "lease": (
            "Claim",
            "FREED",
            "LeaseValues",
            "LeaseColumns",
            "LEASE_SECONDS",
            "holder_name",
            "is_held",
        ),
        "leftovers": ("temporary_folder",),
        "numbering": ("take_ids",),
        "open_app": (
            "PLAIN_HOST",
            "address_of",
            "host_of",
            "open_address",
            "opened_on",
        ),
        "people": (
            "People",
            "USED",
            "rater",
        ),
        "projects": ("USUAL", "Projects", "project_like"),
        "put_away": (
            "binned_name",
            "in_use",
            "name_before",
            "not_binned",
        ),
        "references": ("References",),
        "search": (
            "forget_trace",
            "index_trace",
            "matches_in",
            "trace_ids_matching",
        ),
        "sessions": ("Sessions",),
        "storage": (
            "Space",
            "space",
        ),
        "trace_writer": (
            "NewTrace",
            "prepared",
            "preview",
            "searched_text",
            "storable",
            "write_prepared",
            "write_traces",
        ),
        "uploads": (
            "Upload",
            "keep_upload",
            "remove_upload",
        ),
        "whole_files": (
            "place_of",
            "put_in_place",
            "stamp_of",
            "whole_file",
            "write_whole",
        ),
        "workspace_secret": (
            "RATERS",
            "is_signed",
            "secret_of",
            "signature",
        ),
    },
)
