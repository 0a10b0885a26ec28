import{a as e}from"./list-D52H5i57.js";var t=e(`
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
  mutation PauseProjection($input: PauseProjectionInput!) {
    outcome: pauseProjection(input: $input) { userErrors { field message code } }
  }
`),r=e(`
  mutation ResumeProjection($input: ResumeProjectionInput!) {
    outcome: resumeProjection(input: $input) { userErrors { field message code } }
  }
`),i=e(`
  mutation RebuildProjection($input: RebuildProjectionInput!) {
    outcome: rebuildProjection(input: $input) { userErrors { field message code } }
  }
`),a=e(`
  mutation RetryParkedStream($input: RetryParkedStreamInput!) {
    outcome: retryParkedStream(input: $input) { applied parked userErrors { field message code } }
  }
`),o=e(`
  mutation SkipParkedStream($input: SkipParkedStreamInput!) {
    outcome: skipParkedStream(input: $input) { userErrors { field message code } }
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