@description('Tells this deployment\'s assignment from another\'s.')
param name string
param principalId string
param roleDefinitionId string

param virtualNetworkName string
param subnetName string

resource network 'Microsoft.Network/virtualNetworks@2026-01-01' existing = {
  name: virtualNetworkName

  resource subnet 'subnets' existing = {
    name: subnetName
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(network::subnet.id, name, roleDefinitionId, principalId)
  scope: network::subnet
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: roleDefinitionId
  }
}
