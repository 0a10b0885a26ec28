import{n as e}from"./rolldown-runtime-WkwZ5CU-.js";import{Vt as t,_ as n,a as r,d as i,i as a,l as o,p as s,r as c,s as l,u,v as d,y as f}from"./list-BMLnNZoi.js";import{h as p,p as m}from"./index-DskIfng4.js";import{n as h,t as g}from"./order-C3eWpdgJ.js";import{n as _,r as v}from"./format-VOjZGKi2.js";import{t as y}from"./grid-CdOjYl_A.js";import{n as b}from"./mutate-DuRiXNSY.js";var x=e(t(),1),S=r(`
  fragment ClusterState on Cluster {
    id name status description minimumNodes maximumNodes version createdAt updatedAt
  }
`),C=r(`
    query ClusterPage($after: String) {
      clusters(first: 100, after: $after) {
        asOf
        pageInfo { endCursor hasNextPage }
        nodes { ...ClusterState }
      }
    }
  `,[S]),w=r(`
  subscription ClusterChanges($after: String!) {
    clusterChanged(after: $after, bookmarks: true) {
      cursor
      cluster { resourceId name status description minimumNodes maximumNodes version createdAt updatedAt }
    }
  }
`),T=r(`
    mutation CreateCluster($input: CreateClusterInput!, $key: String!) {
      outcome: createCluster(input: $input) @idempotent(key: $key) { cluster { ...ClusterState } userErrors { field message code } }
    }
  `,[S]),E=r(`
    mutation DeleteCluster($input: DeleteClusterInput!, $key: String!) {
      outcome: deleteCluster(input: $input) @idempotent(key: $key) { cluster { ...ClusterState } userErrors { field message code } }
    }
  `,[S]);function D(){return{async page(e){let{clusters:t}=await a(C,{after:e}),{endCursor:n,hasNextPage:r}=t.pageInfo;return{rows:t.nodes,endCursor:n,hasMore:r,asOf:t.asOf}},watch:O,has:e=>e.status!==`DELETED`,compare:h(e=>g(e.createdAt),`DESCENDING`)}}async function*O(e,t,n){for await(let{clusterChanged:r}of c(w,{after:e},t,n)){let e=null;if(r.cluster){let{resourceId:t,...n}=r.cluster;e={id:t,...n}}yield{cursor:r.cursor,row:e}}}var k=f();function A(){let e=d(),t=m(`clusters`,D),[r,a]=(0,x.useState)(!1),[o,s]=(0,x.useState)(null),c=e=>(0,k.jsx)(n,{id:e}),f=[{key:`name`,title:c(`droplet.name`),width:`1.5fr`,cell:e=>(0,k.jsx)(p,{to:`/droplets?cluster=${e.id}`,children:e.name})},{key:`status`,title:c(`droplet.status`),width:`8rem`,cell:e=>(0,k.jsx)(_,{of:e.status})},{key:`nodes`,title:c(`cluster.nodes`),width:`8rem`,cell:e=>`${e.minimumNodes}–${e.maximumNodes}`},{key:`description`,title:c(`cluster.description`),width:`2fr`,cell:e=>e.description},{key:`created`,title:c(`droplet.created`),width:`8rem`,cell:e=>(0,k.jsx)(v,{at:e.createdAt})},{key:`delete`,title:(0,k.jsx)(`span`,{className:`visually-hidden`,children:c(`droplet.delete`)}),width:`6rem`,cell:e=>(0,k.jsx)(l,{tone:`plain`,onPress:()=>s(e),children:c(`droplet.delete`)})}];return(0,k.jsxs)(k.Fragment,{children:[(0,k.jsxs)(`div`,{className:`head`,children:[(0,k.jsx)(`h1`,{children:c(`nav.clusters`)}),(0,k.jsx)(i,{live:t}),(0,k.jsx)(`span`,{className:`grow`}),(0,k.jsx)(l,{tone:`primary`,onPress:()=>a(!0),children:c(`cluster.create`)})]}),t.failure&&(0,k.jsx)(u,{of:t.failure,onRetry:t.retry}),(0,k.jsx)(y,{label:e.formatMessage({id:`nav.clusters`}),rows:t.rows,columns:f,hasMore:t.hasMore,isLoading:t.isLoading,onMore:t.more}),r&&(0,k.jsx)(j,{onClose:()=>a(!1),onDone:t.written}),o&&(0,k.jsx)(M,{cluster:o,onClose:()=>s(null),onDone:t.written})]})}function j({onClose:e,onDone:t}){let r=d(),[i,a]=(0,x.useState)(``),[c,f]=(0,x.useState)(``),p=b(T),m=async n=>{n.preventDefault();let r=await p.run({name:i,description:c});r?.cluster&&(t(r.cluster),e())};return(0,k.jsx)(o,{title:r.formatMessage({id:`cluster.create`}),isOpen:!0,onClose:e,children:(0,k.jsxs)(`form`,{className:`form`,onSubmit:e=>void m(e),children:[(0,k.jsx)(s,{label:r.formatMessage({id:`droplet.name`}),value:i,onChange:a,error:p.errorAt(`name`),isRequired:!0,autoFocus:!0}),(0,k.jsx)(s,{label:r.formatMessage({id:`cluster.description`}),value:c,onChange:f,error:p.errorAt(`description`)}),p.failure&&(0,k.jsx)(u,{of:p.failure}),p.errorsBeside([`name`,`description`]).map(e=>(0,k.jsx)(`p`,{className:`error`,role:`alert`,children:e},e)),(0,k.jsxs)(`div`,{className:`row`,children:[(0,k.jsx)(l,{tone:`primary`,type:`submit`,isDisabled:p.isRunning,children:(0,k.jsx)(n,{id:`cluster.create`})}),(0,k.jsx)(l,{onPress:e,children:(0,k.jsx)(n,{id:`cancel`})})]})]})})}function M({cluster:e,onClose:t,onDone:r}){let i=d(),a=b(E),s=async()=>{let n=await a.run({id:e.id});n?.cluster&&(r(n.cluster),t())};return(0,k.jsxs)(o,{title:`${i.formatMessage({id:`droplet.delete`})}: ${e.name}`,isOpen:!0,onClose:t,children:[a.failure&&(0,k.jsx)(u,{of:a.failure}),a.errorsBeside([]).map(e=>(0,k.jsx)(`p`,{className:`error`,role:`alert`,children:e},e)),(0,k.jsxs)(`div`,{className:`row`,children:[(0,k.jsx)(l,{tone:`danger`,onPress:()=>void s(),isDisabled:a.isRunning,children:(0,k.jsx)(n,{id:`droplet.delete`})}),(0,k.jsx)(l,{onPress:t,children:(0,k.jsx)(n,{id:`cancel`})})]})]})}export{A as default};