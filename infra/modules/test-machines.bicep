targetScope = 'subscription'

@description('Tells this deployment\'s roles from another\'s.')
param name string

@description('Who makes test machines: an identity that does nothing else.')
param principalId string

@description('Where they are made.')
param resourceGroups string[]

@description('Ids of the subnets that they join.')
param subnets string[]

// What Azure is asked to do, and what Azure asks for the resources that a machine links to; each with its reason.
var permissions = loadJsonContent('../permissions.json')
var parts = {
  testMachines: permissions.testMachines
  // Asked of the subscription itself: what a profile is proven with, and what a machine is made of.
  testReads: concat(permissions.testProfiles, permissions.testMachineLinks)
  testSubnets: permissions.testSubnets
}
var descriptions = {
  testMachines: 'Makes virtual machines that test image versions, and deletes them.'
  testReads: 'Reads what decides whether a test machine can be made, and what it is made of.'
  testSubnets: 'Joins test machines to a subnet.'
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

// items() sorts by name.
resource reads 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, name, 'testReads', 'assignment', principalId)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: roles[1].id
  }
}

module machines 'resource-group-role.bicep' = [
  for group in resourceGroups: {
    name: 'test-machines-${uniqueString(group, name)}'
    scope: resourceGroup(group)
    params: {
      name: name
      principalId: principalId
      roleDefinitionId: roles[0].id
    }
  }
]

module joins 'subnet-role.bicep' = [
  for subnet in subnets: {
    name: 'test-subnet-${uniqueString(subnet, name)}'
    scope: resourceGroup(split(subnet, '/')[4])
    params: {
      name: name
      principalId: principalId
      roleDefinitionId: roles[2].id
      virtualNetworkName: split(subnet, '/')[8]
      subnetName: split(subnet, '/')[10]
    }
  }
]
