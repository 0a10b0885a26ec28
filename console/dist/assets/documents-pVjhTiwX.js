import{a as e}from"./list-BMLnNZoi.js";var t=e(`
  query Platform {
    platform {
      version
      position
      parts { name ready reason }
      projections {
        name generation version state position lagEvents lagSeconds parkedStreams skippedStreams
        pause { by reason since }
        building { generation stage share remainingSeconds requestedBy reason since }
        failure { generation reason at differences }
        parked(first: 20) { nodes { resourceId eventType version reason attempts lastAt waiting skippedBy } }
      }
    }
  }
`),n=e(`
  mutation PauseProjection($input: PauseProjectionInput!, $key: String!) {
    outcome: pauseProjection(input: $input) @idempotent(key: $key) { userErrors { field message code } }
  }
`),r=e(`
  mutation ResumeProjection($input: ResumeProjectionInput!, $key: String!) {
    outcome: resumeProjection(input: $input) @idempotent(key: $key) { userErrors { field message code } }
  }
`),i=e(`
  mutation RebuildProjection($input: RebuildProjectionInput!, $key: String!) {
    outcome: rebuildProjection(input: $input) @idempotent(key: $key) { userErrors { field message code } }
  }
`),a=e(`
  mutation RetryParkedStream($input: RetryParkedStreamInput!, $key: String!) {
    outcome: retryParkedStream(input: $input) @idempotent(key: $key) { applied parked userErrors { field message code } }
  }
`),o=e(`
  mutation SkipParkedStream($input: SkipParkedStreamInput!, $key: String!) {
    outcome: skipParkedStream(input: $input) @idempotent(key: $key) { userErrors { field message code } }
  }
`),s=e(`
  query Overview {
    counts {
      dropletsByStatus { status count }
      jobsByStatus { status count }
      clustersByStatus { status count }
      dropletsByRegion { region count }
    }
  }
`);export{r as a,i,n,a as o,t as r,o as s,s as t};