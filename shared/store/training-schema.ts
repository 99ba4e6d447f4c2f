/** The trainer's database: data sets, jobs, tasks and models. Scripts in order; see `openDatabase`. */
export const TRAINING_MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE datasets (
    id INTEGER PRIMARY KEY,
    -- SHA-256 of the classes and samples: the same data set is kept, and prepared, once
    fingerprint TEXT NOT NULL UNIQUE,
    classes TEXT NOT NULL
  );
  CREATE TABLE samples (
    dataset_id INTEGER NOT NULL REFERENCES datasets(id),
    position INTEGER NOT NULL,
    id TEXT NOT NULL,
    split TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    file_bytes INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    labels TEXT NOT NULL,
    PRIMARY KEY (dataset_id, position)
  ) WITHOUT ROWID;
  CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    dataset_id INTEGER REFERENCES datasets(id),
    options TEXT NOT NULL,
    plan TEXT,
    note TEXT NOT NULL DEFAULT '',
    model_version INTEGER,
    -- what the finished job shows: a JobStatus
    result TEXT,
    created_ms INTEGER NOT NULL,
    ended_ms INTEGER
  );
  CREATE TABLE tasks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    dataset_id INTEGER NOT NULL REFERENCES datasets(id),
    cache_side_px INTEGER NOT NULL,
    position INTEGER NOT NULL,
    split TEXT NOT NULL,
    -- samples of the task: positions first_sample to first_sample + sample_count - 1
    first_sample INTEGER NOT NULL,
    sample_count INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'leased', 'done', 'poisoned')),
    attempts INTEGER NOT NULL DEFAULT 0,
    worker TEXT,
    lease_until_ms INTEGER,
    shard_sha256 TEXT,
    shard_bytes INTEGER,
    pictures INTEGER,
    reason TEXT NOT NULL DEFAULT '',
    UNIQUE (dataset_id, cache_side_px, position)
  );
  CREATE TABLE models (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    file TEXT NOT NULL,
    file_bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    classes TEXT NOT NULL,
    info TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (name, version)
  ) WITHOUT ROWID;
  `,
];
