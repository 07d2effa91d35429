//! Messages that carry blobs.

use tallystick_wire::blobs;

crate::message::messages! { blobs:
    PutPart Part GetRequest HasRequest HasResponse Stored PutHeader Descriptor ProvedChunk End
    Refused Missing NoSuchChunk Count Unavailable
}
