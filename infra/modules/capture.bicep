targetScope = 'subscription'

@description('Tells this deployment\'s role from another\'s.')
param name string

@description('Who publishes image versions.')
param principalId string

@description('Where the snapshots are made.')
param resourceGroupName string

var permissions = loadJsonContent('../permissions.json')

resource role 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, name, 'capture')
  properties: {
    roleName: 'Sigil capture (${name}, ${subscription().subscriptionId})'
    description: 'Makes snapshots of virtual machines\' disks that image versions are made of, and deletes them.'
    type: 'CustomRole'
    assignableScopes: [
      subscription().id
    ]
    permissions: [
      {
        actions: map(permissions.capture, permission => permission.action)
      }
    ]
  }
}

module snapshots 'resource-group-role.bicep' = {
  name: 'capture-${uniqueString(resourceGroupName, name)}'
  scope: resourceGroup(resourceGroupName)
  params: {
    name: name
    principalId: principalId
    roleDefinitionId: role.id
  }
}
