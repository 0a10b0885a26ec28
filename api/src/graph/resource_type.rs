//! The GraphQL enum `ResourceType`.

use async_graphql::Enum;
use domain::registry::AGGREGATES;
use domain::stream_type::StreamType;

use crate::graph::execute::output::enums;
use crate::registry::resources;

macro_rules! resource_type {
    ($($(#[$description:meta])* $Name:ident as $Row:ident in $folder:ident,)+) => {
        /// The type of a resource.
        #[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum ResourceType {
            $($(#[$description])* $Name,)+
        }

        impl ResourceType {
            /// All types, in the order of the registry.
            pub(crate) const ALL: &[Self] = &[$(Self::$Name,)+];

            /// Returns the name of the GraphQL type, with which ids begin.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$Name => stringify!($Name),)+
                }
            }

            /// Returns the noun for a resource of this type in a sentence.
            fn noun(self) -> String {
                let folder = match self {
                    $(Self::$Name => stringify!($folder),)+
                };
                folder.replace('_', " ")
            }
        }
    };
}

resources!(resource_type);

enums!(ResourceType);

impl ResourceType {
    /// Returns the resource that has streams of this type, and the same name as its aggregate. Returns
    /// `None` for a type that only a newer program knows.
    pub(crate) fn of_stream(stream_type: StreamType) -> Option<Self> {
        let name = stream_type.info()?.type_name;
        Self::ALL.iter().copied().find(|one| one.name() == name)
    }

    /// Returns the resource that has streams of the type with this stored name; `None` as in
    /// [`Self::of_stream`].
    pub(crate) fn of_stream_type(name: &str) -> Option<Self> {
        Self::of_stream(name.parse().ok()?)
    }

    /// Returns the noun for a resource of this type, with its article.
    pub(crate) fn with_article(self) -> String {
        let noun = self.noun();
        let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) {
            "an"
        } else {
            "a"
        };
        format!("{article} {noun}")
    }

    /// Returns all nouns in a phrase: `a droplet or a job`.
    pub(crate) fn any_in_words() -> String {
        let nouns: Vec<_> = Self::ALL.iter().map(|one| one.with_article()).collect();
        match nouns.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => "nothing".to_owned(),
        }
    }
}

impl From<ResourceType> for StreamType {
    fn from(resource_type: ResourceType) -> Self {
        AGGREGATES
            .iter()
            .find(|aggregate| aggregate.type_name == resource_type.name())
            .map(|aggregate| aggregate.stream_type)
            .expect("every resource is an aggregate of the same name, which a test holds")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_resource_is_an_aggregate_of_the_same_name() {
        for resource_type in ResourceType::ALL.iter().copied() {
            let stream_type = StreamType::from(resource_type);
            assert_eq!(ResourceType::of_stream(stream_type), Some(resource_type));
        }
    }

    #[test]
    fn a_stream_of_a_newer_program_has_no_name_here() {
        assert_eq!(ResourceType::of_stream(StreamType::new(7_000)), None);
    }
}
