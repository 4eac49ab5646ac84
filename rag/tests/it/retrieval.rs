//! Retrieval over the embedded engines and a real database: what is found, and above all what is not.
//!
//! Start at [`house::App`]. The engines are filled by [`house::App::index`] and by nothing else, so that a test decides how
//! stale they are.

mod fail;
mod found;
mod house;
mod late;
mod leaks;
