//! A line scanner for markdown that people and models wrote: headings, and fences even where they are nested.
//!
//! Pure.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]
