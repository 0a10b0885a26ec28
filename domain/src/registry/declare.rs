//! The macro behind the list of aggregates: the enum of all events, the stream types, and the infos.

/// Declares the aggregates. [`crate::registry`] explains the parts of a line.
macro_rules! aggregates {
    ($($CONSTANT:ident = $code:literal, $name:literal, $Variant:ident($module:ident::$Type:ident), $Id:ident;)+) => {
        /// An event of any aggregate.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Event {
            $(
                #[doc = concat!("An event of a stream of type `", $name, "`.")]
                $Variant(EventOf<$module::$Type>),
            )+
        }

        impl StreamType {
            $(
                #[doc = concat!("Streams of [`", stringify!($Type), "`](crate::", stringify!($module),
                    "::", stringify!($Type), ").")]
                pub const $CONSTANT: Self = Self::new($code);
            )+
        }

        /// The descriptions of all aggregates, in order of their codes.
        pub static AGGREGATES: &[AggregateInfo] = &[$(
            AggregateInfo {
                stream_type: StreamType::$CONSTANT,
                name: $name,
                type_name: stringify!($Variant),
                events: <EventOf<$module::$Type> as DomainEvent>::TYPES,
                upcasts: <$module::$Type as Aggregate>::UPCASTS,
                decode: |event_type, json| {
                    <EventOf<$module::$Type> as DomainEvent>::from_json(event_type, json)
                        .map(Event::$Variant)
                },
                states: || {
                    let states = crate::decider::reachable::<$module::$Type>();
                    (<$module::$Type as Decider>::STATE_VERSION, states)
                },
                samples: || {
                    let samples = <EventOf<$module::$Type> as DomainEvent>::samples();
                    samples.into_iter().map(Event::$Variant).collect()
                },
            },
        )+];

        /// The types of streams that this program knows, in order of their codes.
        pub(crate) static STREAM_TYPES: &[StreamType] = &[$(StreamType::$CONSTANT),+];

        impl Event {
            /// Returns the type of the stream that the event belongs to.
            #[must_use]
            pub fn stream_type(&self) -> StreamType {
                match self {
                    $(Self::$Variant(_) => StreamType::$CONSTANT,)+
                }
            }

            /// Returns the stored name, such as `droplet_requested`. The name is unique over all
            /// aggregates.
            #[must_use]
            pub fn event_type(&self) -> &'static str {
                match self {
                    $(Self::$Variant(event) => event.event_type(),)+
                }
            }

            /// Returns the current schema version of the event's type, from 1.
            #[must_use]
            pub fn schema_version(&self) -> i32 {
                match self {
                    $(Self::$Variant(event) => event.schema_version(),)+
                }
            }

            /// Returns the types of streams whose aggregates take the event for one of theirs.
            #[cfg(test)]
            pub(crate) fn takers(&self) -> Vec<StreamType> {
                let mut takers = Vec::new();
                $(
                    if <EventOf<$module::$Type>>::try_from(self.clone()).is_ok() {
                        takers.push(StreamType::$CONSTANT);
                    }
                )+
                takers
            }

            /// Returns the payload as compact JSON, exactly as it is stored.
            ///
            /// # Errors
            /// None that a payload of this crate can cause; see [`DomainEvent::to_json`].
            pub fn to_json(&self) -> Result<String, serde_json::Error> {
                match self {
                    $(Self::$Variant(event) => event.to_json(),)+
                }
            }

            /// Returns the label of the aggregate from this event on, for people. `None` if the event sets
            /// no label.
            #[must_use]
            pub fn label(&self) -> Option<&str> {
                match self {
                    $(Self::$Variant(event) => <$module::$Type as Aggregate>::label(event),)+
                }
            }

            /// Describes the event in one short sentence; see [`Aggregate::narrate`].
            #[must_use]
            pub fn narrate(&self, stream: uuid::Uuid, label: Option<&str>) -> String {
                match self {
                    $(Self::$Variant(event) => {
                        <$module::$Type as Aggregate>::narrate(event, stream.into(), label)
                    })+
                }
            }
        }

        $(
            impl AggregateId for $Id {
                const STREAM_TYPE: StreamType = StreamType::$CONSTANT;
            }

            impl From<EventOf<$module::$Type>> for Event {
                fn from(event: EventOf<$module::$Type>) -> Self {
                    Self::$Variant(event)
                }
            }

            impl TryFrom<Event> for EventOf<$module::$Type> {
                type Error = ForeignEvent;

                fn try_from(event: Event) -> Result<Self, ForeignEvent> {
                    let event_type = event.event_type();
                    match event {
                        Event::$Variant(event) => Ok(event),
                        // Any other aggregate's: the one arm that must not grow with the list.
                        #[allow(
                            clippy::wildcard_enum_match_arm,
                            reason = "every other variant is another aggregate's"
                        )]
                        #[allow(unreachable_patterns, reason = "a list of one has no others")]
                        _ => Err(ForeignEvent {
                            event_type,
                            expected: <$module::$Type as Decider>::STREAM_TYPE,
                        }),
                    }
                }
            }
        )+
    };
}
pub(super) use aggregates;
