//! What every engine of a kind must do, whichever it is.

pub(crate) mod text;
pub(crate) mod vector;
