//! `ResourceType`.

use async_graphql::Enum;
use domain::event::StreamType;

use crate::registry::resources;

macro_rules! resource_type {
    ($($(#[$description:meta])* $Name:ident in $folder:ident,)+) => {
        /// What an event happened to.
        #[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum ResourceType {
            $($(#[$description])* $Name,)+
        }

        impl ResourceType {
            /// All types, in the order of the registry.
            pub(crate) const ALL: &[Self] = &[$(Self::$Name,)+];

            /// The name of the GraphQL type, which ids begin with.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$Name => stringify!($Name),)+
                }
            }

            /// The noun for one of them in a sentence.
            fn noun(self) -> String {
                let folder = match self {
                    $(Self::$Name => stringify!($folder),)+
                };
                folder.replace('_', " ")
            }
        }

        impl From<StreamType> for ResourceType {
            fn from(stream_type: StreamType) -> Self {
                match stream_type {
                    $(StreamType::$Name => Self::$Name,)+
                }
            }
        }

        impl From<ResourceType> for StreamType {
            fn from(resource_type: ResourceType) -> Self {
                match resource_type {
                    $(ResourceType::$Name => Self::$Name,)+
                }
            }
        }
    };
}

resources!(resource_type);

impl ResourceType {
    /// The noun for one of them with its article.
    pub(crate) fn with_article(self) -> String {
        let noun = self.noun();
        let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) {
            "an"
        } else {
            "a"
        };
        format!("{article} {noun}")
    }

    /// All nouns in a sentence: `a droplet or a job`.
    pub(crate) fn any_in_words() -> String {
        let nouns: Vec<_> = Self::ALL.iter().map(|one| one.with_article()).collect();
        match nouns.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => "nothing".to_owned(),
        }
    }
}
