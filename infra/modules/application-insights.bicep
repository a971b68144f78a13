param name string
param location string
param workspaceId string

@description('Whether its log is kept unchangeable, too, and where.')
param isAudited bool
param auditStorageId string

@description('Who sends telemetry.')
param principalId string

var metricsPublisher = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  '3913510d-42f4-4e42-8a64-420c390055eb'
)

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: name
  location: location
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspaceId
    // The connection string alone is no key then: telemetry is sent with the identity.
    DisableLocalAuth: true
  }
}

resource publisher 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, metricsPublisher)
  scope: insights
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: metricsPublisher
  }
}

// What Sigil logs: each refusal, each event. It is in the workspace already.
resource log 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (isAudited) {
  name: 'audit'
  scope: insights
  properties: {
    storageAccountId: auditStorageId
    logs: [
      {
        category: 'AppTraces'
        enabled: true
      }
    ]
  }
}

output connectionString string = insights.properties.ConnectionString
output id string = insights.id
