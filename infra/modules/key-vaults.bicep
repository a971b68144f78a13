targetScope = 'subscription'

@description('Tells this deployment\'s role from another\'s.')
param name string

@description('Who looks after keys.')
param principalId string

@description('Where the vaults are.')
param resourceGroups string[]

var permissions = loadJsonContent('../permissions.json')

resource role 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, name, 'keys')
  properties: {
    roleName: 'Sigil keys (${name}, ${subscription().subscriptionId})'
    description: 'Reads whether keys are enabled, and until when, on the management plane; none can be used.'
    type: 'CustomRole'
    assignableScopes: [
      subscription().id
    ]
    permissions: [
      {
        actions: map(permissions.keys, permission => permission.action)
      }
    ]
  }
}

module keys 'resource-group-role.bicep' = [
  for group in resourceGroups: {
    name: 'keys-${uniqueString(group, name)}'
    scope: resourceGroup(group)
    params: {
      name: name
      principalId: principalId
      roleDefinitionId: role.id
    }
  }
]
