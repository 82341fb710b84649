-- One row for each job: locking it decides who may start a run.
CREATE TABLE jobs (
    name text COLLATE "C" NOT NULL,
    CONSTRAINT jobs_pkey PRIMARY KEY (name)
);
