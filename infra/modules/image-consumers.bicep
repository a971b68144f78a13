targetScope = 'subscription'

@description('Tells this deployment\'s role from another\'s.')
param name string

@description('Who asks whether an image version is used.')
param principalId string

var permissions = loadJsonContent('../permissions.json')

resource role 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, name, 'consumers')
  properties: {
    roleName: 'Sigil consumers (${name}, ${subscription().subscriptionId})'
    description: 'Reads which virtual machines and scale sets are made of image versions.'
    type: 'CustomRole'
    assignableScopes: [
      subscription().id
    ]
    permissions: [
      {
        actions: map(permissions.consumers, permission => permission.action)
      }
    ]
  }
}

// In the subscription as a whole: what is asked of a part of it does not show the rest.
resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, name, 'consumers', 'assignment', principalId)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: role.id
  }
}
