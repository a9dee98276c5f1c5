//! What is sent to a model: the templates and the values they are rendered with.
//!
//! Pure: values in, text out. It must not read files (overrides arrive as text), count with a tokenizer of its own,
//! or know of providers. A prompt never holds the time of day, so that the same plan gives the same request.
//!
//! A request is `system` (rules and skeleton: the same for every item of a stage), then `level` (PLAN context and
//! siblings: the same for every item of a level), then the item's own part. What is shared comes first and is
//! byte-identical, because providers cache common prefixes. The question about a PLAN's dependencies is one request of its own.
#![deny(clippy::disallowed_methods, clippy::disallowed_macros)]

mod context;
mod discovery;
mod level;
mod literal;
mod neutral;
mod reckon;
mod templates;

pub use context::{
    BatchDocument, DependencyContext, Fault, ItemContext, OtherPart, PartContext, Reference, SubplanContext,
};
pub use discovery::{DiscoveryPrompt, FixedDependency, InventoryEntry};
pub use level::{LevelPrompt, Sibling, level_prompt};
pub use reckon::reckoned_tokens;
pub use templates::{TemplateError, TemplateName, Templates};
