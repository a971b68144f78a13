targetScope = 'subscription'

import { publication } from '../types.bicep'

@description('Tells this deployment\'s roles from another\'s.')
param name string

@description('Who publishes image versions.')
param principalId string

param to publication

@description('Whether subscriptions may be prepared: providers and features registered.')
param registers bool

// What Azure is asked to do, and what Azure asks for the resources that a request links to; each with its reason.
var permissions = loadJsonContent('../permissions.json')
var parts = {
  // Asked of the subscription itself, whatever its resource groups.
  subscription: concat(permissions.subscription, registers ? permissions.preparation : [])
  // The built-in Compute Gallery Artifacts Publisher may also delete galleries.
  galleries: permissions.galleries
  sources: concat(permissions.sources, flatten(map(to.?sources ?? [], kind => permissions[kind])), to.?captureResourceGroup == null ? [] : permissions.capturedDisks)
}
var resourceGroups = {
  galleries: to.?galleryResourceGroups ?? []
  sources: to.?sourceResourceGroups ?? []
}
var descriptions = {
  subscription: 'Reads what image versions need of the subscription, its disk encryption sets among it.'
  galleries: 'Creates, updates and deletes image versions in existing galleries.'
  sources: 'Looks into sources of image versions, and uses those that Azure wants writable.'
}

resource roles 'Microsoft.Authorization/roleDefinitions@2022-04-01' = [
  for part in items(parts): {
    name: guid(subscription().id, name, part.key)
    properties: {
      roleName: 'Sigil ${part.key} (${name}, ${subscription().subscriptionId})'
      description: descriptions[part.key]
      type: 'CustomRole'
      assignableScopes: [
        subscription().id
      ]
      permissions: [
        {
          actions: map(part.value, permission => permission.action)
        }
      ]
    }
  }
]

// In the subscription as a whole where it is asked for, and where no resource group is named.
resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (part, index) in items(parts): if (empty(resourceGroups[?part.key] ?? [])) {
    name: guid(subscription().id, name, part.key, 'assignment', principalId)
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: roles[index].id
    }
  }
]

// items() sorts by name.
module galleries 'resource-group-role.bicep' = [
  for group in resourceGroups.galleries: {
    name: 'galleries-${uniqueString(group, name)}'
    scope: resourceGroup(group)
    params: {
      name: name
      principalId: principalId
      roleDefinitionId: roles[0].id
    }
  }
]

module sources 'resource-group-role.bicep' = [
  for group in resourceGroups.sources: {
    name: 'sources-${uniqueString(group, name)}'
    scope: resourceGroup(group)
    params: {
      name: name
      principalId: principalId
      roleDefinitionId: roles[1].id
    }
  }
]
