import{n as e}from"./rolldown-runtime-WkwZ5CU-.js";import{Vt as t,a as n,n as r}from"./list-BMLnNZoi.js";var i=e(t(),1);function a(e,t,n){let a={rows:[],next:null,count:0,isLoading:!0,failure:null},[o,s]=(0,i.useState)(a),[c,l]=(0,i.useState)(0),u=(0,i.useRef)(0),d=(0,i.useCallback)(async(e,n,i)=>{let a=++u.current;s(e=>({...e,isLoading:!0,failure:null}));try{let r=await t(e);if(a!==u.current)return;s({rows:[...n,...r.rows],next:r.next,count:i+1,isLoading:!1,failure:null})}catch(e){a===u.current&&s(t=>({...t,isLoading:!1,failure:r(e)}))}},[e]);(0,i.useEffect)(()=>(s(a),d(null,[],0),()=>void u.current++),[d,c]),(0,i.useEffect)(()=>{if(n===void 0||o.count>1)return;let e=setInterval(()=>void d(null,[],0),n);return()=>clearInterval(e)},[d,n,o.count]);let f=(0,i.useCallback)(()=>{o.next!==null&&!o.isLoading&&d(o.next,o.rows,o.count)},[d,o]);return{rows:o.rows,hasMore:o.next!==null,isLoading:o.isLoading,failure:o.failure,more:f,reload:()=>l(e=>e+1)}}var o=n(`
  query EventPage($filter: EventFilter, $before: String) {
    events(filter: $filter, last: 50, before: $before) {
      asOf
      pageInfo { startCursor hasPreviousPage }
      nodes {
        id position typeName schemaVersion resourceType resourceId version data actor source commandId correlationId
        causationId occurredAt recordedAt
      }
    }
  }
`),s=n(`
  query ActivityPage($filter: ActivityFilter, $after: String) {
    activity(filter: $filter, first: 50, after: $after) {
      asOf
      pageInfo { endCursor hasNextPage }
      nodes { position kindName resourceType resourceId resourceName actor summary occurredAt }
    }
  }
`);export{o as n,a as r,s as t};