param name string
param location string

@description('Of the virtual network: a /25 or larger.')
param addressPrefix string

param storageAccountId string
param packageStorageId string
param serviceBusId string

var applicationPrefix = cidrSubnet(addressPrefix, 26, 0)
var endpointPrefix = cidrSubnet(addressPrefix, 26, 1)

var zoneNames = [
  'privatelink.blob.${environment().suffixes.storage}'
  'privatelink.table.${environment().suffixes.storage}'
  // The public cloud's: the environment names no domain of Service Bus.
  'privatelink.servicebus.windows.net'
]
var endpoints = [
  {
    name: 'blob'
    service: 'blob'
    resourceId: storageAccountId
    zone: 0
  }
  {
    name: 'package'
    service: 'blob'
    resourceId: packageStorageId
    zone: 0
  }
  {
    name: 'table'
    service: 'table'
    resourceId: storageAccountId
    zone: 1
  }
  {
    name: 'namespace'
    service: 'namespace'
    resourceId: serviceBusId
    zone: 2
  }
]

resource network 'Microsoft.Network/virtualNetworks@2026-01-01' = {
  name: name
  location: location
  properties: {
    addressSpace: {
      addressPrefixes: [
        addressPrefix
      ]
    }
    subnets: [
      {
        name: 'application'
        properties: {
          addressPrefix: applicationPrefix
          // Flex Consumption wants it so, and the provider Microsoft.App registered in the subscription.
          delegations: [
            {
              name: 'functions'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: endpointPrefix
        }
      }
    ]
  }

  resource application 'subnets' existing = {
    name: 'application'
  }

  resource endpoints 'subnets' existing = {
    name: 'endpoints'
  }
}

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for zone in zoneNames: {
    name: zone
    location: 'global'
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (zone, index) in zoneNames: {
    parent: zones[index]
    name: name
    location: 'global'
    properties: {
      registrationEnabled: false
      virtualNetwork: {
        id: network.id
      }
    }
  }
]

resource privateEndpoints 'Microsoft.Network/privateEndpoints@2026-01-01' = [
  for endpoint in endpoints: {
    name: '${name}-${endpoint.name}'
    location: location
    properties: {
      subnet: {
        id: network::endpoints.id
      }
      privateLinkServiceConnections: [
        {
          name: endpoint.service
          properties: {
            privateLinkServiceId: endpoint.resourceId
            groupIds: [
              endpoint.service
            ]
          }
        }
      ]
    }
  }
]

resource records 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2026-01-01' = [
  for (endpoint, index) in endpoints: {
    parent: privateEndpoints[index]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: endpoint.service
          properties: {
            privateDnsZoneId: zones[endpoint.zone].id
          }
        }
      ]
    }
  }
]

output id string = network.id
output applicationSubnetId string = network::application.id
output endpointSubnetId string = network::endpoints.id
