/** Maxima that several parts share. What comes from outside is held against one of these, or one beside its reader. */

/** A message before the peer has proved the site key. */
export const GREETING_SIZE_BYTES_MAX = 4096;
/** A message after that: one slice of a weight vector, one frame, one piece of a file. */
export const MESSAGE_SIZE_BYTES_MAX = 8 * 1024 * 1024;
/** Messages that a peer may send ahead of a busy reader, in bytes; one more message may be over it. */
export const RECEIVE_WINDOW_BYTES = 8 * 1024 * 1024;
/** Links of a listener whose peer has not proved the site key yet. */
export const UNPROVED_LINK_COUNT_MAX = 256;
/** One piece of a file or of a weight vector on the wire. */
export const PIECE_SIZE_BYTES_MAX = 1024 * 1024;
/** Bytes that wait for a slow peer before sending to it has to wait. */
export const SEND_QUEUE_BYTES_MAX = 16 * 1024 * 1024;

export const NAME_LENGTH_MAX = 200;
export const PATH_LENGTH_MAX = 1024;
export const TEXT_LENGTH_MAX = 16 * 1024;

export const CLASS_COUNT_MAX = 1000;
export const PICTURE_COUNT_MAX = 1_000_000;
export const BOXES_PER_PICTURE_MAX = 2000;
export const PICTURE_FILE_BYTES_MAX = 64 * 1024 * 1024;
/** One XML file of labels: 2000 boxes take less than a megabyte. */
export const ANNOTATION_FILE_BYTES_MAX = 4 * 1024 * 1024;
/** Prepared pictures in one block, before compression. */
export const SHARD_SIZE_BYTES_MAX = 256 * 1024 * 1024;
export const MODEL_FILE_BYTES_MAX = 512 * 1024 * 1024;
/** Width or height. */
export const PICTURE_SIDE_PX_MAX = 16_384;
/** Width times height: a picture that claims more is refused before it is decoded. */
export const PICTURE_AREA_PX_MAX = 100_000_000;

/** Places of a sighting's path that are kept, spread over the whole visit. */
export const PATH_POINTS_MAX = 64;

export const WORKER_COUNT_MAX = 64;
/** Steps that a worker may make by itself in a round of training: beyond, the workers drift too far apart. */
export const OWN_STEPS_MAX = 16;
export const CAMERA_COUNT_MAX = 256;
/** Values between the layers of a network. */
export const VALUE_COUNT_MAX = 4096;
export const PARAMETER_COUNT_MAX = 64_000_000;
