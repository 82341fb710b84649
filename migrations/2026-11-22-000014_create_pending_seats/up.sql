-- Seats that members wait for because all of them are used; the oldest gets the next free one
-- (product.md 6). What a member holds is what they were given, less these.
CREATE TABLE pending_seats (
    organization_id text COLLATE "C" NOT NULL,
    seat_type text COLLATE "C" NOT NULL,
    member_id text COLLATE "C" NOT NULL,
    pending_since timestamptz NOT NULL,
    CONSTRAINT pending_seats_pkey PRIMARY KEY (organization_id, seat_type, member_id),
    CONSTRAINT pending_seats_member FOREIGN KEY (organization_id, member_id) REFERENCES members (organization_id, id)
);
