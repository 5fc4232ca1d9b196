/** Whom the stand-in lets in when it is told to. */
export const PASSWORD = 'correct-horse-battery';

/** What the client makes of the password: bcrypt with the salt that all of Aerospike's clients use. */
export const USERS = { tester: '$2a$10$7EqJtq98hPqEX7fNZaFWoOqQbMItJWqqgPVLa2WUU4eF/J07cDI3O' };
