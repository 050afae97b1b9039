"""Sources of byte ranges that lie far away: object stores, web servers, file systems of fsspec.

Knows nothing of checkpoints. Local files need none of this: the core opens them itself.

    address      addresses: taken apart, shown without secrets, carried with what opens their store
    cache        indexes kept on disk, by the ETag of what they are copies of
    client       requests: counted, tried again, refused in forked children
    connect      from an address to its store, and the options that stores take
    copies       whole files brought here, or put there, all or none
    far_file     files that lie far away, as the core and its users read files
    fetch        ranges fetched: merged where they lie close, in parts that are of one size
    filesystems  file systems of fsspec, whatever they are
    objects      object stores through obstore: S3, GCS, Azure, HTTP, memory
    pool         threads that fetch, a window of them at a time
    store        the protocol of a store, and the errors that its adapters give
"""
