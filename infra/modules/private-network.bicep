param name string
param location string

@description('Of the virtual network: a /25 or larger.')
param addressPrefix string

param storageAccountId string
param serviceBusId string

var applicationPrefix = cidrSubnet(addressPrefix, 26, 0)
var endpointPrefix = cidrSubnet(addressPrefix, 26, 1)

var endpoints = [
  {
    service: 'blob'
    resourceId: storageAccountId
    zone: 'privatelink.blob.${environment().suffixes.storage}'
  }
  {
    service: 'table'
    resourceId: storageAccountId
    zone: 'privatelink.table.${environment().suffixes.storage}'
  }
  {
    service: 'namespace'
    resourceId: serviceBusId
    // The public cloud's: the environment names no domain of Service Bus.
    zone: 'privatelink.servicebus.windows.net'
  }
]

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
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

resource zones 'Microsoft.Network/privateDnsZones@2020-06-01' = [
  for endpoint in endpoints: {
    name: endpoint.zone
    location: 'global'
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2020-06-01' = [
  for (endpoint, index) in endpoints: {
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

resource privateEndpoints 'Microsoft.Network/privateEndpoints@2024-05-01' = [
  for endpoint in endpoints: {
    name: '${name}-${endpoint.service}'
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

resource records 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-05-01' = [
  for (endpoint, index) in endpoints: {
    parent: privateEndpoints[index]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: endpoint.service
          properties: {
            privateDnsZoneId: zones[index].id
          }
        }
      ]
    }
  }
]

output applicationSubnetId string = network::application.id
