DROP TABLE pending_seats;
