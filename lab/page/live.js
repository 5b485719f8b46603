/*
 * The page of a lab that still runs.
 */
