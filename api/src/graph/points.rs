//! The prices of fields in points, besides those of their objects.

/// A statement that reads by a key or a page.
pub(crate) const READ: usize = 2;

/// A statement that counts rows, or compares positions of all consumers.
pub(crate) const COUNT: usize = 50;

/// A mutation, or the start of a subscription.
pub(crate) const EFFECT: usize = 10;

/// The list of all types of an introspection.
pub(crate) const ALL_TYPES: usize = 100;

/// The maximum number of bytes of a JSON value of a resource.
pub(crate) const JSON_BYTES: usize = 16 * 1024;

/// The maximum number of bytes of the data of an event.
pub(crate) const EVENT_BYTES: usize = 60 * 1024;
