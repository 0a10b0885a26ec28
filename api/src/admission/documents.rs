//! Documents by their SHA-256: recently sent documents, and trusted documents.
//!
//! A document that was sent before is neither parsed, measured nor validated again, and keeps the plans of
//! its operations. The same store answers automatic persisted queries, so every document that runs can be
//! requested by its hash while it is stored. The hash reveals nothing: a client that sends it runs the document
//! with its own rights, and never sees the text.
//! The store is bounded by number and by memory; a dropped document is read again.

pub mod trusted;

pub(crate) mod validation;

mod conditions;
mod values;

pub(crate) use self::values::check_variables;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard};

use apollo_compiler::executable::{ExecutableDocument, Operation};
use apollo_compiler::response::JsonMap;
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Node};
use lru::LruCache;
use sha2::{Digest, Sha256};

use crate::admission::limits::{Excess, Limits, Unfit, scan};
use crate::graph::collect::collect;
use crate::graph::execute::plan::Plan;
use crate::graph::execute::schema::ExecutableSchema;

/// The maximum number of stored documents.
const MAX_DOCUMENTS: NonZeroUsize = NonZeroUsize::new(1_000).expect("it is not zero");

/// The maximum memory of stored documents in bytes, as [`Document::weight`] estimates it.
const MAX_WEIGHT: usize = 32 * 1024 * 1024;

/// The maximum number of plans that a document keeps, so that a request finds its plan at once. Few clients send
/// one document with many conditions.
const MAX_PLANS: usize = 8;

/// The approximate memory of a field of a plan, in bytes.
const BYTES_A_FIELD: usize = 400;

/// The approximate memory of a token after parsing, in bytes. A field, the usual content of documents, has
/// some 200 bytes.
const BYTES_A_TOKEN: usize = 200;

/// The SHA-256 of a document's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Hash([u8; 32]);

impl Hash {
    /// Returns the hash of a text.
    pub(crate) fn of(document: &str) -> Self {
        Self(Sha256::digest(document).into())
    }

    /// Reads the 64 hexadecimal digits of a hash.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        let mut hash = [0; 32];
        if digits.len() != 2 * hash.len() {
            return None;
        }
        for (byte, digits) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |digit: u8| char::from(digit).to_digit(16);
            *byte = u8::try_from(digit(digits[0])? * 16 + digit(digits[1])?).ok()?;
        }
        Some(Self(hash))
    }
}

/// A valid document within all limits except those of cost.
#[derive(Debug)]
pub(crate) struct Document {
    /// The valid document.
    pub(crate) parsed: Valid<ExecutableDocument>,
    /// The variables that decide which fields run. A limit of directives bounds their number.
    conditions: BTreeSet<Name>,
    /// The plans that were made of its operations, at most [`MAX_PLANS`].
    plans: Mutex<Vec<(PlanKey, Arc<Plan>)>>,
    /// The number of fields that the kept plans may have together. Other plans are made for each request, because a
    /// short document with fragments can have many fields.
    plan_fields: usize,
    /// The approximate memory of the document, in bytes.
    weight: usize,
}

/// The operation of a plan, and the values of the document's conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
struct PlanKey {
    operation: Option<Name>,
    conditions: Vec<Option<bool>>,
}

impl Document {
    /// Parses, measures and validates a text.
    ///
    /// # Errors
    /// The first limit, or the rules, that the text breaks.
    pub(crate) fn read(
        text: &str,
        limits: &Limits,
        schema: &ExecutableSchema,
    ) -> Result<Self, Unfit> {
        let scanned = scan::scan(text, limits)?;
        let parsed = validation::read(text, &scanned, limits, schema)?;
        Ok(Self {
            conditions: conditions::of(&parsed),
            parsed,
            plans: Mutex::new(Vec::new()),
            plan_fields: 2 * scanned.tokens,
            weight: text.len() + scanned.tokens * (BYTES_A_TOKEN + 2 * BYTES_A_FIELD),
        })
    }

    /// Returns the plan of an operation with these coerced variables.
    ///
    /// # Errors
    /// When the plan has too many fields.
    pub(crate) fn plan(
        &self,
        operation: &Node<Operation>,
        variables: &JsonMap,
        limits: &Limits,
        schema: &ExecutableSchema,
    ) -> Result<Arc<Plan>, Excess> {
        let conditions = self.conditions.iter();
        let conditions = conditions.map(|name| variables.get(name.as_str())?.as_bool());
        let key = PlanKey {
            operation: operation.name.clone(),
            conditions: conditions.collect(),
        };
        if let Some((_, plan)) = self.plans().iter().find(|(known, _)| *known == key) {
            return Ok(Arc::clone(plan));
        }
        let plan = collect(
            schema,
            &self.parsed,
            operation,
            Some(variables),
            limits.fields,
        );
        // Fields that cannot be merged were refused with the document.
        let plan = Arc::new(plan.map_err(|_| validation::too_many_fields(limits))?);
        let mut plans = self.plans();
        let kept: usize = plans.iter().map(|(_, plan)| plan.fields).sum();
        let has_room = plans.len() < MAX_PLANS && kept + plan.fields <= self.plan_fields;
        // Another request may have made the same plan meanwhile.
        if has_room && plans.iter().all(|(known, _)| *known != key) {
            plans.push((key, Arc::clone(&plan)));
        }
        Ok(plan)
    }

    fn plans(&self) -> MutexGuard<'_, Vec<(PlanKey, Arc<Plan>)>> {
        self.plans
            .lock()
            .expect("nobody panics while holding the plans")
    }
}

/// The recently sent documents; the least recently used document is dropped first.
#[derive(Debug)]
pub(crate) struct Store {
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    documents: LruCache<Hash, Arc<Document>>,
    weight: usize,
}

impl Store {
    /// Creates an empty store.
    pub(crate) fn new() -> Self {
        Self {
            kept: Mutex::new(Kept {
                documents: LruCache::new(MAX_DOCUMENTS),
                weight: 0,
            }),
        }
    }

    /// Returns the document with this hash, if it is stored.
    pub(crate) fn get(&self, hash: Hash) -> Option<Arc<Document>> {
        self.kept().documents.get(&hash).cloned()
    }

    /// Stores a document, and drops the documents for which there is no more room.
    pub(crate) fn put(&self, hash: Hash, document: Arc<Document>) {
        let mut kept = self.kept();
        kept.weight += document.weight;
        // The document that is pushed out may be the same one, sent by two requests at once.
        if let Some((_, dropped)) = kept.documents.push(hash, document) {
            kept.weight -= dropped.weight;
        }
        while kept.weight > MAX_WEIGHT {
            let Some((_, dropped)) = kept.documents.pop_lru() else {
                break;
            };
            kept.weight -= dropped.weight;
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept
            .lock()
            .expect("nobody panics while holding the documents")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Platform;

    fn document(weight: usize) -> Arc<Document> {
        let schema = ExecutableSchema::new::<Platform>();
        let mut document = Document::read("{ __typename }", &Limits::DEFAULT, &schema).unwrap();
        document.weight = weight;
        Arc::new(document)
    }

    fn hash(number: usize) -> Hash {
        Hash::of(&number.to_string())
    }

    #[test]
    fn plans_are_kept_by_their_conditions_and_bounded() {
        let schema = ExecutableSchema::new::<Platform>();
        let names: Vec<_> = (0..10).map(|n| format!("v{n}")).collect();
        let variables: String = names
            .iter()
            .map(|name| format!("${name}: Boolean! "))
            .collect();
        let fields: String = names[1..]
            .iter()
            .map(|name| format!("{name}: subject @skip(if: ${name}) "))
            .collect();
        let text = format!(
            "query ({variables} $id: ID!) {{ viewer {{ ...F }} nodes(ids: [$id]) {{ id }} }} \
             fragment F on Viewer {{ subject @include(if: $v0) {fields} }}"
        );
        let document = Document::read(&text, &Limits::DEFAULT, &schema).unwrap();
        let operation = document.parsed.operations.get(None).unwrap();
        let plan = |is_true: usize, id: &str| {
            let values = names.iter().enumerate();
            let values = values.map(|(n, name)| (name.as_str().into(), (n == is_true).into()));
            let mut values: JsonMap = values.collect();
            values.insert("id", id.into());
            let plan = document.plan(operation, &values, &Limits::DEFAULT, &schema);
            plan.unwrap()
        };
        let first = plan(0, "a");
        assert!(Arc::ptr_eq(&first, &plan(0, "b")), "no condition differs");
        assert!(!Arc::ptr_eq(&first, &plan(1, "a")));
        for is_true in 0..names.len() {
            plan(is_true, "a");
        }
        assert!(document.plans().len() <= MAX_PLANS);
        assert!(Arc::ptr_eq(&first, &plan(0, "a")));
    }

    #[test]
    fn a_hash_is_64_hexadecimal_digits() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Hash::parse(empty), Some(Hash::of("")));
        assert_eq!(Hash::parse(&empty.to_uppercase()), Some(Hash::of("")));
        for bad in ["", &empty[1..], &empty.replace('e', "g"), &"é".repeat(32)] {
            assert_eq!(Hash::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn documents_are_bounded_by_number() {
        let store = Store::new();
        for number in 0..MAX_DOCUMENTS.get() {
            store.put(hash(number), document(1));
        }
        // The first was just used, so the second is dropped.
        assert!(store.get(hash(0)).is_some());
        store.put(hash(MAX_DOCUMENTS.get()), document(1));
        assert!(store.get(hash(0)).is_some());
        assert!(store.get(hash(1)).is_none());
    }

    #[test]
    fn documents_are_bounded_by_memory() {
        let store = Store::new();
        for number in 0..3 {
            store.put(hash(number), document(MAX_WEIGHT / 2));
        }
        assert!(store.get(hash(0)).is_none());
        assert!(store.get(hash(1)).is_some() && store.get(hash(2)).is_some());
        store.put(hash(2), document(MAX_WEIGHT / 2));
        assert!(store.get(hash(1)).is_some(), "the same again takes no room");
        store.put(hash(3), document(MAX_WEIGHT + 1));
        assert!(store.get(hash(3)).is_none());
        assert_eq!(store.kept().weight, 0);
    }
}
